"""Signing in, and oneself."""

from api import errors
from api.contracts import kit
from api.contracts.circletime.errors import ERROR_MESSAGES, message_only
from api.contracts.circletime.serializers import accounts as serializers

from .base import CircletimeView


class LoginView(kit.LoginView, CircletimeView):
    request_serializer = serializers.LoginSerializer
    response_serializer = serializers.LoggedInSerializer


class RefreshView(kit.RefreshView, CircletimeView):
    request_serializer = serializers.RefreshSerializer
    response_serializer = kit.TokensSerializer
    error_messages = ERROR_MESSAGES.extended(
        {errors.Invalid: message_only("Refresh token is required")}
    )


class MeView(kit.MeView, CircletimeView):
    response_serializer = serializers.UserSerializer
