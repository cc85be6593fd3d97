# a Sunday, on which nobody has set primetime yet
DAY=$(date -u -d "$DAY + $((7 - $(date -u -d "$DAY" +%u))) days" +%F)

# Chapter "Authentication (users)"

ANA="$WHO@example.com" BEN="ben.$WHO@example.com" PASSWORD='Granite 81 lantern'
for person in "$ANA" "$BEN"; do
    curl -X POST "$HOST/api/users/register/" -H "$JSON" -d "{\"email\": \"$person\", \"password\": \"$PASSWORD\", \"username\": \"$person\", \"first_name\": \"Ana\", \"last_name\": \"Example\"}"
    expect 201 "{\"id\": \"…\", \"email\": \"$person\", \"username\": null, \"role\": \"user\"}"
done
curl -X POST "$HOST/api/users/register/" -H "$JSON" -d "{\"email\": \"$ANA\", \"password\": \"$PASSWORD\"}"
expect 400 '{"email": ["This field must be unique."]}'

COOKIES=$(mktemp)
curl -X POST "$HOST/api/users/login/" -c "$COOKIES" -H "$JSON" -d "{\"email\": \"$ANA\", \"password\": \"$PASSWORD\"}"
expect 200 "{\"message\": \"Login successful\", \"tokens\": {\"access\": \"…\", \"refresh\": \"…\"}, \"user\": {\"id\": \"…\", \"email\": \"$ANA\", \"username\": null, \"role\": \"user\"}}"
ACCESS=$(found tokens.access)
curl -X POST "$HOST/api/users/login/" -H "$JSON" -d "{\"email\": \"$BEN\", \"password\": \"$PASSWORD\"}"
expect 200
BENS=$(found tokens.access)
curl -X POST "$HOST/api/users/login/" -H "$JSON" -d "{\"email\": \"$ADMIN\", \"password\": \"$ADMIN_PASSWORD\"}"
expect 200 '{"user": {"role": "admin"}}'
ADMINS=$(found tokens.access)

# Chapter "Reservations"

curl -X POST "$HOST/api/reservations/" -H "$JSON" -H "Authorization: Bearer $ACCESS" -d "{\"date\": \"$DAY\", \"start_time\": \"10:00:00\", \"end_time\": \"11:00:00\"}"
expect 201 "{\"id\": \"…\", \"date\": \"$DAY\", \"start_time\": \"10:00:00\", \"end_time\": \"11:00:00\", \"status\": \"CONFIRMED\"}"
MINE=$(found id)
curl "$HOST/api/reservations/" -H "Authorization: Bearer $ACCESS"
expect 200 "[{\"id\": $MINE}]"
curl "$HOST/api/reservations/?date=$DAY&status=CONFIRMED" -H "Authorization: Bearer $ACCESS"
expect 200 "[{\"id\": $MINE}]"
curl "$HOST/api/reservations/?user=$ANA" -H "Authorization: Bearer $ADMINS"
expect 200 "[{\"id\": $MINE, \"user\": {\"email\": \"$ANA\"}}]"
curl "$HOST/api/reservations/$MINE/" -H "Authorization: Bearer $ACCESS"
expect 200 "{\"id\": $MINE}"
curl -X PUT "$HOST/api/reservations/$MINE/" -H "$JSON" -H "Authorization: Bearer $ACCESS" -d '{"end_time": "12:00:00", "notes": "two hours"}'
expect 200 '{"start_time": "10:00:00", "end_time": "12:00:00", "notes": "two hours"}'
curl "$HOST/api/reservations/"
expect 401

# Chapters "Primetime management (admin)" and "Admin approval"

WEEKDAY=$(($(date -u -d "$DAY" +%u) - 1))
curl -X POST "$HOST/api/reservations/admin/primetime/" -H "$JSON" -H "Authorization: Bearer $ADMINS" -d "{\"weekday\": $WEEKDAY, \"start_time\": \"16:00:00\", \"end_time\": \"18:00:00\", \"is_active\": true}"
expect 201 "{\"id\": \"…\", \"weekday\": $WEEKDAY, \"start_time\": \"16:00:00\", \"end_time\": \"18:00:00\", \"is_active\": true}"
WINDOW=$(found id)
curl "$HOST/api/reservations/admin/primetime/" -H "Authorization: Bearer $ADMINS"
expect 200 '[{"id": "…", "weekday": "…"}]'
curl "$HOST/api/reservations/admin/primetime/$WINDOW/" -H "Authorization: Bearer $ADMINS"
expect 200 "{\"id\": $WINDOW}"
curl -X PUT "$HOST/api/reservations/admin/primetime/$WINDOW/" -H "$JSON" -H "Authorization: Bearer $ADMINS" -d '{"end_time": "19:00:00"}'
expect 200 '{"start_time": "16:00:00", "end_time": "19:00:00"}'
curl "$HOST/api/reservations/admin/primetime/" -H "Authorization: Bearer $ACCESS"
expect 403

for body in '{"action": "approve"}=CONFIRMED' '{"action": "reject", "rejection_reason": "closed"}=REJECTED'; do
    curl -X POST "$HOST/api/reservations/" -H "$JSON" -H "Authorization: Bearer $ACCESS" -d "{\"date\": \"$DAY\", \"start_time\": \"17:00:00\", \"end_time\": \"18:00:00\"}"
    expect 201 '{"status": "PENDING"}'
    ASKED=$(found id)
    curl -X POST "$HOST/api/reservations/$ASKED/approve/" -H "$JSON" -H "Authorization: Bearer $ADMINS" -d "${body%=*}"
    expect 200 "{\"id\": $ASKED, \"status\": \"${body#*=}\"}"
    curl -X DELETE "$HOST/api/reservations/$ASKED/" -H "Authorization: Bearer $ACCESS"
    [ "${body#*=}" = REJECTED ] && expect 400 || expect 204
done
curl -X DELETE "$HOST/api/reservations/admin/primetime/$WINDOW/" -H "Authorization: Bearer $ADMINS"
expect 204

# Chapter "Calendar and settings"

curl "$HOST/api/reservations/calendar/?start_date=$DAY&end_date=$DAY" -H "Authorization: Bearer $ACCESS"
expect 200 "{\"start_date\": \"$DAY\", \"end_date\": \"$DAY\", \"calendar\": [{\"date\": \"$DAY\", \"is_primetime\": false, \"primetime_hours\": null, \"business_hours\": {\"start_time\": \"07:00:00\", \"end_time\": \"19:00:00\"}, \"available_slots\": [{\"start_time\": \"07:00:00\", \"end_time\": \"08:00:00\", \"type\": \"FREE_FOR_ALL\", \"available\": true}], \"reserved_slots\": [{\"id\": $MINE}]}]}"
curl "$HOST/api/reservations/admin/settings/" -H "Authorization: Bearer $ADMINS"
expect 200 '{"business_start_time": "07:00:00", "business_end_time": "19:00:00", "slot_duration_minutes": 60, "send_confirmation_emails": true}'
curl -X PUT "$HOST/api/reservations/admin/settings/" -H "$JSON" -H "Authorization: Bearer $ADMINS" -d '{"business_start_time": "07:00:00", "business_end_time": "19:00:00", "slot_duration_minutes": 60, "send_confirmation_emails": true}'
expect 200 '{"slot_duration_minutes": 60}'
curl "$HOST/api/reservations/admin/settings/" -H "Authorization: Bearer $ACCESS"
expect 403

# Chapter "Trade requests"

curl -X POST "$HOST/api/reservations/" -H "$JSON" -H "Authorization: Bearer $BENS" -d "{\"date\": \"$DAY\", \"start_time\": \"13:00:00\", \"end_time\": \"14:00:00\"}"
expect 201
THEIRS=$(found id)
for body in '{"action": "reject", "response_message": "no"}=REJECTED' '{"action": "accept"}=ACCEPTED'; do
    curl -X POST "$HOST/api/reservations/trades/" -H "$JSON" -H "Authorization: Bearer $ACCESS" -d "{\"requester_reservation_id\": $MINE, \"target_reservation_id\": $THEIRS, \"message\": \"please\"}"
    expect 201 '{"id": "…", "status": "PENDING", "message": "please"}'
    TRADE=$(found id)
    curl "$HOST/api/reservations/trades/" -H "Authorization: Bearer $ACCESS"
    expect 200 "{\"sent_requests\": [{\"id\": $TRADE}], \"received_requests\": []}"
    curl "$HOST/api/reservations/trades/$TRADE/" -H "Authorization: Bearer $BENS"
    expect 200 "{\"id\": $TRADE}"
    curl -X POST "$HOST/api/reservations/trades/$TRADE/" -H "$JSON" -H "Authorization: Bearer $BENS" -d "${body%=*}"
    expect 200 "{\"id\": $TRADE, \"status\": \"${body#*=}\"}"
done
curl "$HOST/api/reservations/$THEIRS/" -H "Authorization: Bearer $ACCESS"
expect 200 "{\"user\": {\"email\": \"$ANA\"}}"

# Chapters "Dashboard" and "Dashboards"

for path in dashboard/user/ dashboard/; do
    curl "$HOST/api/reservations/$path" -H "Authorization: Bearer $ACCESS"
    expect 200 "{\"upcoming_reservations\": [{\"id\": $THEIRS}], \"pending_trades\": {\"sent\": 0, \"received\": 0}, \"recent_activity\": [{\"action\": \"TRADED\"}]}"
done
for path in dashboard/admin/ admin/dashboard/; do
    curl "$HOST/api/reservations/$path" -H "Authorization: Bearer $ADMINS"
    expect 200 '{"pending_approvals": "…", "todays_reservations": "…", "recent_activity": [{"action": "TRADED"}]}'
    curl "$HOST/api/reservations/$path" -H "Authorization: Bearer $ACCESS"
    expect 403
done
curl -X DELETE "$HOST/api/reservations/$THEIRS/" -H "Authorization: Bearer $ACCESS"
expect 204
curl "$HOST/api/reservations/$THEIRS/" -H "Authorization: Bearer $ACCESS"
expect 200 '{"status": "CANCELLED"}'

# Chapters "API Authentication Flow" and "Recent changes"

USED=$(grep refresh_token "$COOKIES" | cut -f7)
curl -X POST "$HOST/api/users/refresh/" -b "$COOKIES" -c "$COOKIES"
expect 200 '{"access": "…"}'
curl -X POST "$HOST/api/users/refresh/" -b "refresh_token=$USED"
expect 401
curl -X POST "$HOST/api/users/logout/" -b "$COOKIES" -c "$COOKIES"
expect 200
curl -X POST "$HOST/api/users/refresh/" -b "$COOKIES"
expect 401
curl "$HOST/api/users/" -H "Authorization: Bearer $ADMINS"
expect 200 '{"total_users": "…", "by_role": {"user": "…", "admin": "…"}}'
curl "$HOST/api/users/" -H "Authorization: Bearer $BENS"
expect 403
curl "$HOST/api/users/"
expect 401
rm -f "$COOKIES"
