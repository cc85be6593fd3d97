"""Register, sign in and out, passwords, one's own data."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api.queries.accounts import personal_data
from api.rest.authentication import (
    delete_refresh_cookie,
    get_refresh_cookie,
    set_refresh_cookie,
)
from api.rest.idempotency import IdempotentAPIView
from api.rest.permissions import Scope
from api.rest.throttling import AddressThrottle
from api.services.accounts import accounts, erasure, passwords, tokens
from api.services.accounts.proofs import Proof
from api.services.accounts.tokens import TokenPair
from api.v1.serializers.accounts import (
    USER,
    LoginSerializer,
    LoginTokensSerializer,
    NewTokensSerializer,
    PasswordChangeSerializer,
    PasswordResetConfirmSerializer,
    PasswordResetSerializer,
    ProfileChangeSerializer,
    RefreshSerializer,
    RegistrationSerializer,
    UserSerializer,
)
from api.v1.serializers.bookings import BOOKING
from api.v1.tags import SIGN_IN

PERSONAL_DATA = OpenApiExample("Example", value={"account": USER, "bookings": [BOOKING]})


def get_refresh_token(request: Request) -> str | None:
    """The refresh token of the body, else of the cookie."""
    body = request.data if isinstance(request.data, dict) else {}
    return body.get("refresh") or get_refresh_cookie(request)


def respond_with_tokens(pair: TokenPair, **more: object) -> Response:
    """Access and refresh token in the body, the refresh token also in the cookie."""
    response = Response({"access": pair.access, "refresh": pair.refresh} | more)
    set_refresh_cookie(response, pair)
    return response


class AnonymousView(IdempotentAPIView):
    scope = Scope.TOKEN
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (AddressThrottle,)


class RegisterView(AnonymousView):
    @extend_schema(
        tags=[SIGN_IN], request=RegistrationSerializer, responses={201: UserSerializer}, auth=[]
    )
    def post(self, request: Request) -> Response:
        """Register.

        Makes an account that may book. Sign in with it next. For anyone.
        """
        user = accounts.register(**self.get_validated_body(RegistrationSerializer))
        return Response(UserSerializer(user).data, status=201)


class LoginView(AnonymousView):
    unstored_methods = ("POST",)  # the answer holds tokens

    @extend_schema(
        tags=[SIGN_IN], request=LoginSerializer, responses=LoginTokensSerializer, auth=[]
    )
    def post(self, request: Request) -> Response:
        """Sign in.

        Send `access` as `Authorization: Bearer …` with every request. `refresh` gets the next pair;
        browsers also get it as an HttpOnly cookie. For anyone.
        """
        body = self.get_validated_body(LoginSerializer)
        address = AddressThrottle().get_ident(request)
        user = accounts.sign_in(login=body["email"], password=body["password"], address=address)
        return respond_with_tokens(tokens.issue(user), user=UserSerializer(user).data)


class RefreshView(AnonymousView):
    unstored_methods = ("POST",)  # the answer holds tokens

    @extend_schema(
        tags=[SIGN_IN], request=RefreshSerializer, responses=NewTokensSerializer, auth=[]
    )
    def post(self, request: Request) -> Response:
        """Get new tokens.

        For the refresh token of the body or of the cookie, which is used up: a second use is
        refused, and soon after it ends the whole session. For anyone.
        """
        self.get_validated_body(RefreshSerializer)
        return respond_with_tokens(tokens.rotate(get_refresh_token(request), "v1"))


class LogoutView(AnonymousView):
    unstored_methods = ("POST",)  # it is about a token

    @extend_schema(tags=[SIGN_IN], request=RefreshSerializer, responses={204: None}, auth=[])
    def post(self, request: Request) -> Response:
        """Sign out.

        Uses the refresh token of the body or of the cookie up, and deletes the cookie. For anyone.
        """
        self.get_validated_body(RefreshSerializer)
        tokens.revoke(get_refresh_token(request))
        response = Response(status=204)
        delete_refresh_cookie(request, response)
        return response


@extend_schema(tags=[SIGN_IN])
class MeView(IdempotentAPIView):
    permission_classes = (IsAuthenticated,)
    scope = Scope.SELF

    @extend_schema(responses=UserSerializer)
    def get(self, request: Request) -> Response:
        """Read one's own account.

        Who is signed in, and in which role where.
        """
        return Response(UserSerializer(self.user).data)

    @extend_schema(request=ProfileChangeSerializer, responses=UserSerializer)
    def patch(self, request: Request) -> Response:
        """Change one's own account.

        Fields that are left out stay. Another address needs `current_password`; a letter to the one
        before has a link that undoes it.
        """
        changes = self.get_validated_body(ProfileChangeSerializer, partial=True)
        proof = Proof(changes.pop("current_password", None))
        user = accounts.update_account(self.user, changes, by=self.user, proof=proof)
        return Response(UserSerializer(user).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request) -> Response:
        """Erase one's own account.

        Erases the person; what they booked stays as numbers, and what is ahead is cancelled. There
        is no way back.
        """
        erasure.erase_account(self.user, by=self.user)
        response = Response(status=204)
        delete_refresh_cookie(request, response)
        return response


class PersonalDataView(IdempotentAPIView):
    permission_classes = (IsAuthenticated,)
    scope = Scope.SELF

    @extend_schema(
        tags=[SIGN_IN],
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, examples=[PERSONAL_DATA])},
    )
    def get(self, request: Request) -> Response:
        """Export one's own data.

        Everything that is stored about the person: the account, bookings, their history, trades,
        payments and e-mails.
        """
        return Response(personal_data.export_personal_data(self.user))


class PasswordChangeView(IdempotentAPIView):
    permission_classes = (IsAuthenticated,)
    scope = Scope.SELF
    unstored_methods = ("POST",)  # the answer holds tokens

    @extend_schema(tags=[SIGN_IN], request=PasswordChangeSerializer, responses=NewTokensSerializer)
    def post(self, request: Request) -> Response:
        """Change one's password.

        Ends every other session; the answer holds the tokens of this one. A letter has a link that
        undoes it.
        """
        body = self.get_validated_body(PasswordChangeSerializer)
        passwords.change_password(self.user, body["current_password"], body["new_password"])
        return respond_with_tokens(tokens.issue(self.user))


class PasswordResetView(AnonymousView):
    @extend_schema(tags=[SIGN_IN], request=PasswordResetSerializer, responses={204: None}, auth=[])
    def post(self, request: Request) -> Response:
        """Ask for a new password.

        Sends an e-mail with a link. Answers alike whether or not the address has an account. For
        anyone.
        """
        passwords.request_password_reset(self.get_validated_body(PasswordResetSerializer)["email"])
        return Response(status=204)


class PasswordResetConfirmView(AnonymousView):
    @extend_schema(
        tags=[SIGN_IN], request=PasswordResetConfirmSerializer, responses={204: None}, auth=[]
    )
    def post(self, request: Request) -> Response:
        """Set a new password.

        With `uid` and `token` of the link in the e-mail, which is good once and for an hour. For
        anyone.
        """
        body = self.get_validated_body(PasswordResetConfirmSerializer)
        passwords.reset_password(body["uid"], body["token"], body["new_password"])
        return Response(status=204)
