"""What is answered, as types: mypy holds `shapes` to them, the OpenAPI document is made of them."""

from datetime import datetime
from typing import Generic, Literal, NotRequired, TypedDict, TypeVar

from api.queries.venues import rooms

T = TypeVar("T")
Status = Literal["pending", "confirmed", "completed", "cancelled", "no_show"]
RoomStatus = rooms.Status
Change = Literal["positive", "negative", "neutral"]


class Success(TypedDict, Generic[T]):
    success: Literal[True]
    data: T
    message: NotRequired[str]


class Refused(TypedDict):
    success: Literal[False]
    message: str
    code: str
    errors: NotRequired[list[str]]


class User(TypedDict):
    id: str
    name: str
    email: str
    role: Literal["admin", "user"]
    department: str | None


class SignedIn(TypedDict):
    token: str
    access: str
    refresh: str
    user: User


class Tokens(TypedDict):
    access: str
    refresh: str


class Person(TypedDict):
    id: str
    name: str
    email: str


class Room(TypedDict):
    id: str
    name: str
    building: str
    floor: int | None
    capacity: int
    amenities: list[str]
    status: RoomStatus
    imageUrl: str | None


class Booking(TypedDict):
    id: str
    roomId: str
    roomName: str
    title: str
    description: str | None
    organizer: Person
    attendees: list[Person]
    startTime: datetime
    endTime: datetime
    status: Status
    checkedIn: bool
    checkedInAt: datetime | None


class Cancelled(TypedDict):
    cancelled: Literal[True]


class CheckedIn(TypedDict):
    checkedIn: Literal[True]
    checkedInAt: datetime | None


class Freed(TypedDict):
    freedMinutes: int


class Ended(Freed):
    ended: Literal[True]


class Meeting(TypedDict):
    id: str
    title: str
    organizer: str
    organizerEmail: str
    startTime: datetime
    endTime: datetime
    attendeeCount: int
    checkedIn: bool
    checkedInAt: datetime | None


class Place(TypedDict):
    id: str
    name: str
    building: str
    floor: int | None
    capacity: int


class State(TypedDict):
    room: Place
    status: Literal["available", "occupied", "upcoming", "offline"]
    currentMeeting: Meeting | None
    nextMeeting: Meeting | None
    upcomingMeetings: list[Meeting]
    lastUpdated: datetime


class Figure(TypedDict):
    label: str
    value: float
    change: float | None
    changeType: Change | None
    unit: str


class Utilization(TypedDict):
    roomId: str
    roomName: str
    utilizationRate: float
    totalBookings: int
    totalHoursBooked: float
    peakHours: list[str]


class Ghosting(TypedDict):
    roomId: str
    roomName: str
    ghostingRate: float
    totalNoShows: int
    totalBookings: int
    averageWastedMinutes: float


class Capacity(TypedDict):
    roomId: str
    roomName: str
    roomCapacity: int
    averageAttendees: float
    capacityUtilization: float
    oversizedBookings: int
    undersizedBookings: int
