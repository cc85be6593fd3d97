"""The pages below /account/ where people sign in with a browser, and see to their second factors
and sessions. They are django-allauth's, in our look and by our rules."""
