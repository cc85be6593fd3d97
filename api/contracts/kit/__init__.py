"""What all contracts do alike; a contract adds its routes, its messages and its JSON."""

from .accounts import (
    AccessSerializer,
    AnonymousView,
    BodyTokens,
    CookieTokens,
    DjoserTokens,
    LoginView,
    LogoutView,
    MeView,
    RefreshSerializer,
    RefreshView,
    RegisterView,
    TokensSerializer,
)
from .errors import (
    DRF_ROWS,
    FIELD_MESSAGES,
    ErrorBody,
    ErrorResponse,
    ErrorSerializer,
    ErrorTable,
    NotOwner,
    Rows,
    at,
    detail,
    empty,
    error,
    field_errors,
    in_words,
    unless_own,
)
from .fields import (
    ConstantField,
    InstantField,
    LabelField,
    LengthField,
    LocalInstantField,
    OptionalTextField,
    RoleField,
    Serializer,
    StatusField,
    TextOrNullField,
    WallDateField,
    WallTimeField,
    has_role,
)
from .operations import Operation, operation
from .views import ContractView, HealthView, PublicView
