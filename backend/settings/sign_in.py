"""Signing in on our own pages: passwords, a company's accounts (OpenID Connect), second factors.

django-allauth's settings. Its sign-up, address and password pages are not used: `accounts` makes
accounts, and one address belongs to one account, by `User.email_key`.
"""

from .base import DEBUG, EMBEDDED, env
from .security import derive_secret

SECOND_FACTOR_KEY = derive_secret("second factor")  # encrypts the keys of authenticator apps
SECOND_FACTOR_REQUIRED = env.SECOND_FACTOR_REQUIRED

ACCOUNT_ADAPTER = "api.account_pages.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email", "username"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # `User.email_verified_at` says it
ACCOUNT_EMAIL_NOTIFICATIONS = True  # the adapter queues the letter
ACCOUNT_SESSION_REMEMBER = False  # until the browser is closed
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"

SOCIALACCOUNT_ADAPTER = "api.account_pages.adapters.SocialAccountAdapter"
SOCIALACCOUNT_LOGIN_ON_GET = True  # a form that leads elsewhere is refused by our own policy
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_STORE_TOKENS = False
OIDC_PROVIDER = "oidc"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": OIDC_PROVIDER,
                "name": env.OIDC_NAME,
                "client_id": env.OIDC_CLIENT_ID,
                "secret": env.OIDC_CLIENT_SECRET,
                "settings": {
                    "server_url": env.OIDC_ISSUER.rstrip("/"),
                    "verified_email": env.OIDC_VERIFIED_DOMAINS,
                },
            }
        ]
        if env.OIDC_ISSUER
        else [],
    }
}

MFA_ADAPTER = "api.account_pages.adapters.MFAAdapter"
MFA_FORMS = {"add_webauthn": "api.account_pages.forms.AddPasskeyForm"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Holdfast"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG or EMBEDDED  # plain HTTP at localhost
