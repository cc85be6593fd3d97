"""The picture of a person: its URL at an image host, and its id there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.models import User, UserProfile


def get_profile(user: User) -> UserProfile:
    return UserProfile.objects.get_or_create(user=user)[0]


def update_picture(user: User, changes: Mapping[str, Any]) -> UserProfile:
    """Change `profile_picture`, `cloudinary_public_id` or both."""
    profile = get_profile(user)
    for name, value in changes.items():
        setattr(profile, name, value)
    profile.save()
    return profile


def remove_picture(user: User) -> None:
    """Does nothing when there is none."""
    update_picture(user, {"profile_picture": None, "cloudinary_public_id": ""})


def create_missing_profiles() -> int:
    """How many accounts got the profile that they lacked. Safe to run again, or twice at once."""
    lacking = User.objects.filter(profile=None, erased_at=None)
    made = UserProfile.objects.bulk_create(
        [UserProfile(user=user) for user in lacking], ignore_conflicts=True
    )
    return len(made)
