"""What the docs page groups the operations of our own API by: what one wants to do."""

SIGN_IN = "Sign in"
FIND = "Find a time"
BOOK = "Book"
APPROVE = "Answer requests"
PAY = "Pay"
TRADE = "Trade"
RUN_VENUE = "Run a venue"
PANELS = "Show it at the door"
WATCH = "Watch"
MANAGE_PEOPLE = "Manage people"

# in the order of the page
DESCRIPTIONS = {
    SIGN_IN: "Accounts, tokens and passwords, and one's own data.",
    FIND: "Venues, what can be booked there, and when it is free.",
    BOOK: "Make a booking, move it, check in, cancel it.",
    PAY: "Pay for a booking, and give money back.",
    TRADE: "Swap a slot with somebody else.",
    APPROVE: "Approve or reject what waits for staff.",
    RUN_VENUE: "Venues and their rules, resources, hours, exceptions, primetime windows.",
    PANELS: "Panels beside the doors of rooms.",
    WATCH: "Figures, files and how the automation runs.",
    MANAGE_PEOPLE: "The people of a venue, for its admins, and all accounts, for operators.",
}
