"""How somebody authenticated, in the words of a token's `amr` claim (RFC 8176)."""

from enum import StrEnum


class Method(StrEnum):
    PASSWORD = "pwd"  # noqa: S105 - the claim's word, no password
    PROVIDER = "sso"
    CODE = "otp"
    PASSKEY = "hwk"
    SECOND_FACTOR = "mfa"
