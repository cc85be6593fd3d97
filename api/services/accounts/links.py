"""Links of letters that are followed here: signed, so that nothing secret is stored."""

from __future__ import annotations

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.utils.crypto import salted_hmac

from api.models import Booking, Invitation, Series, User

_UNDO = Signer(sep=".", salt="holdfast.account-change")
_GUEST = Signer(sep=".", salt="holdfast.guest")
_CONFIRM = Signer(sep=".", salt="holdfast.confirm-address")
_INVITE = Signer(sep=".", salt="holdfast.invitation")


def build_undo_link(change: int) -> str:
    """The link that undoes a change of an account."""
    return f"{settings.PUBLIC_URL}/account/undo/{_UNDO.sign(str(change))}/"


def read_undo_token(token: str) -> int | None:
    """The id of the change, or None for a token that is not ours."""
    text = _unsign(_UNDO, token)
    return int(text) if text is not None else None


def build_guest_token(booking: Booking) -> str:
    """What opens a guest's booking. Made for each letter and each page, and stored nowhere."""
    return _GUEST.sign(f"{booking.pk}.{booking.guest_link}")


def build_guest_link(booking: Booking) -> str:
    """The page on which whoever has the letter sees, confirms, moves and cancels the booking."""
    return f"{settings.PUBLIC_URL}/guests/{build_guest_token(booking)}/"


def build_page_link(booking: Booking) -> str:
    """The page on which its owner sees it, once signed in."""
    return f"{settings.PUBLIC_URL}/book/{booking.venue.slug}/bookings/{booking.pk}/"


def build_series_link(series: Series) -> str:
    """The page on which its owner sees all of it, once signed in."""
    return f"{settings.PUBLIC_URL}/book/{series.venue.slug}/series/{series.pk}/"


def build_pay_link(booking: Booking) -> str:
    """Where its owner pays: at a frontend of one's own, else on our page."""
    if settings.FRONTEND_URL:
        return f"{settings.FRONTEND_URL}/bookings/{booking.pk}/pay"
    return build_page_link(booking)


def read_guest_token(token: str) -> tuple[int, str] | None:
    """The id of the booking and what its link must still be signed with; None for a token that is
    not ours."""
    pk, _, link = (_unsign(_GUEST, token) or "").partition(".")
    return (int(pk), link) if link else None


def build_confirm_link(user: User) -> str:
    """The link that shows that somebody reads the mail of the account's present address."""
    token = _CONFIRM.sign(f"{user.pk}.{_hash_address(user)}")
    return f"{settings.PUBLIC_URL}/account/confirm/{token}/"


def find_confirming_user(token: str) -> User | None:
    """Whose address the token confirms; None once they have another one."""
    pk, _, address = (_unsign(_CONFIRM, token) or "").partition(".")
    user = User.objects.filter(pk=pk, is_active=True).first() if pk else None
    return user if user is not None and address == _hash_address(user) else None


def build_invitation_link(invitation: Invitation) -> str:
    """The link of an invitation's letter: whoever follows it reads the mail of its address."""
    token = _INVITE.sign(f"{invitation.pk}.{_hash_address(invitation)}")
    return f"{settings.PUBLIC_URL}/account/join/{token}/"


def find_invitation(token: str) -> Invitation | None:
    """The invitation that the letter was about, while it stands."""
    pk, _, address = (_unsign(_INVITE, token) or "").partition(".")
    found = Invitation.objects.filter(pk=pk).select_related("venue").first() if pk else None
    return found if found is not None and address == _hash_address(found) else None


def _hash_address(row: User | Invitation) -> str:
    return salted_hmac("holdfast.confirm-address", row.email_key).hexdigest()[:16]


def _unsign(signer: Signer, token: str) -> str | None:
    try:
        return signer.unsign(token)
    except BadSignature:
        return None
