"""The one form in which names, e-mail addresses and passwords are compared, at every door.

Names and the local parts of addresses: NFKC_Casefold (UTS 31) to a fixpoint. Domains: ASCII, by
UTS 46 without the transitional mappings, so that `faß.de` is not `fass.de`. Passwords: OpaqueString
(RFC 8265).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import idna
from django.core.exceptions import ValidationError

# Default_Ignorable_Code_Point, which Python's database lacks
_IGNORABLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
MAX_LOCAL, MAX_DOMAIN, MAX_ADDRESS = 64, 253, 254  # RFC 5321

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}"
_QUOTED = r'"([ !#-\[\]-~]|\\[ -~]){0,62}"'
# letters and digits of ASCII, and whatever is not ASCII; in between also a hyphen
_EDGE, _INNER = r"[^\x00-/:-@\[-`{-\x7F]", r"[^\x00-,./:-@\[-`{-\x7F]"
_LABEL = rf"{_EDGE}({_INNER}{{0,61}}{_EDGE})?"
_TOP = rf"[^\x00-@\[-`{{-\x7F]{_INNER}{{0,61}}{_EDGE}"
# as the documents print it; what is too long in all, `normalize_address` refuses
ADDRESS: Final = (
    rf"^({_ATOM}(\.{_ATOM}){{0,31}}|{_QUOTED})@(({_LABEL}\.){{1,126}}{_TOP}|localhost)$"
)
_INVALID: Final = "Enter a valid email address."


def fold(text: str) -> str:
    """NFKC_Casefold of the text, again and again until nothing changes."""
    if text.isascii():
        return text.lower()
    while True:
        shown = _IGNORABLE.sub("", unicodedata.normalize("NFKC", text))
        folded = unicodedata.normalize("NFKC", shown.casefold())
        if folded == text:
            return folded
        text = folded


def build_key(login: str) -> str:
    """What a username or an e-mail address is looked up by, counted by and unique by.

    Takes any text, also what no account could have.
    """
    shown = _IGNORABLE.sub("", unicodedata.normalize("NFKC", login))
    local, at, domain = shown.strip().rpartition("@")
    if not at:
        return fold(domain)
    try:
        domain = encode_domain(domain)
    except UnicodeError:
        domain = fold(domain)
    return f"{fold(local)}@{domain}"


def encode_domain(domain: str) -> str:
    """The domain in ASCII, as mail is sent to it. Raises `UnicodeError`."""
    if domain.isascii() or len(domain) > MAX_DOMAIN:
        return domain.lower()
    return idna.encode(domain, uts46=True, std3_rules=True).decode()


def encode_address(address: str) -> str:
    """The address with its domain in ASCII; unchanged where that cannot be."""
    local, at, domain = address.rpartition("@")
    try:
        return f"{local}{at}{encode_domain(domain)}"
    except UnicodeError:
        return address


def normalize_address(text: str) -> str:
    """The address as it is stored: lower case, an international domain as people write it.

    Raises `ValidationError`; its code is `domain` where only IDNA refuses it.
    """
    address = text.strip()
    if not re.fullmatch(ADDRESS, address) or len(address) > MAX_ADDRESS:
        raise ValidationError(_INVALID, code="invalid")
    local, _, domain = address.rpartition("@")
    try:
        encoded = encode_domain(domain)
        for label in encoded.split("."):
            if label.startswith("xn--"):
                idna.decode(label)
        shown = domain.lower() if domain.isascii() else idna.uts46_remap(domain)
    except UnicodeError:
        raise ValidationError(_INVALID, code="domain") from None
    if len(local) > MAX_LOCAL or len(encoded) > MAX_DOMAIN:
        raise ValidationError(_INVALID, code="invalid")
    if not re.fullmatch(ADDRESS, f"a@{encoded}", re.ASCII) or len(local) + len(encoded) >= 254:
        raise ValidationError(_INVALID, code="domain")
    return f"{local.lower()}@{shown}"


def validate_address(text: str) -> None:
    """The validator of model fields. Raises `ValidationError`."""
    normalize_address(text)


def prepare_password(password: str) -> str:
    """The password as it is hashed: NFC, and every kind of space a plain one."""
    if password.isascii():
        return password
    spaced = (" " if unicodedata.category(each) == "Zs" else each for each in password)
    return unicodedata.normalize("NFC", "".join(spaced))


def list_password_forms(password: str) -> list[str]:
    """The forms in which the password may have been hashed: as it is now, as it was typed, and
    decomposed, as releases before this one took it."""
    prepared = prepare_password(password)
    return list(dict.fromkeys((prepared, password, unicodedata.normalize("NFD", prepared))))
