"""REST: Django REST framework, its documentation, and which contract serves a bare path."""

from .base import EMBEDDED, env


def choose_rate(rate: str | None, default: str, tried_out: str | None) -> str | None:
    """The rate of a throttle; None is no limit."""
    if rate is None:
        return tried_out if EMBEDDED else default
    return None if rate == "off" else rate


REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.rest.authentication.BearerAuthentication"],
    "UNAUTHENTICATED_USER": "api.models.Nobody",
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["api.rest.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["api.rest.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "api.v1.schema.AutoSchema",
    "EXCEPTION_HANDLER": "api.rest.exceptions.handle_exception",
    "DEFAULT_THROTTLE_RATES": {
        # failures count against the account at that address, the rest against the address
        "auth": choose_rate(env.THROTTLE_AUTH, "60/min", "3000/min"),
        # what one person may write; nobody is limited while it is tried out
        "account": choose_rate(env.THROTTLE_ACCOUNT, "1200/min", None),
        "key": choose_rate(env.THROTTLE_KEY, "1200/min", None),
        "anonymous": choose_rate(env.THROTTLE_ANONYMOUS, "600/min", "30000/min"),
    },
    "NUM_PROXIES": env.NUM_PROXIES,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
MAX_BODY_BYTES = env.MAX_BODY_BYTES
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
# at the bare /api/: hosts that belong to one contract, and who answers when nothing else tells
CONTRACT_HOSTS = env.CONTRACT_HOSTS
DEFAULT_CONTRACT = env.DEFAULT_CONTRACT
DJOSER = {
    "HIDE_USERS": True,
    "SET_PASSWORD_RETYPE": True,
    "SERIALIZERS": {
        "user": "api.contracts.resources.serializers.AccountSerializer",
        "user_create": "api.contracts.resources.serializers.RegisterSerializer",
        "set_password_retype": "api.contracts.resources.serializers.SetPasswordSerializer",
    },
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Holdfast",
    "DESCRIPTION": "Bookings that are never sold twice, and a clock that can be trusted.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    # it would look at the contracts too, which have no schema; a test validates that of /api/v1/
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
    # opened all at once, more than some 140 operations are shown in part
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "docExpansion": "none"},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SORT_OPERATIONS": False,
    "ENUM_NAME_OVERRIDES": {
        "BookingStatus": "api.lifecycle.Status.choices",
        "TradeStatus": "api.lifecycle.TradeStatus.choices",
        "PaymentStatus": "api.models.bookings.PaymentStatus.choices",
        "Role": "api.models.roles.Role.choices",
    },
}
