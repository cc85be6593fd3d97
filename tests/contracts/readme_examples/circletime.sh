# Chapter "Quick smoke test"

curl -X POST "$HOST/api/auth/login" -H "$JSON" -d "{\"email\": \"$ADMIN\", \"password\": \"$ADMIN_PASSWORD\"}"
expect 200 "{\"success\": true, \"data\": {\"token\": \"…\", \"access\": \"…\", \"refresh\": \"…\", \"user\": {\"id\": \"…\", \"email\": \"$ADMIN\", \"role\": \"admin\"}}}"
ACCESS=$(found data.access) REFRESH=$(found data.refresh)
curl "$HOST/api/rooms/" -H "Authorization: Bearer $ACCESS"
expect 200 '{"success": true, "data": [{"id": "…", "name": "…", "status": "…"}]}'
curl -X POST "$HOST/api/auth/refresh" -H "$JSON" -d "{\"refresh\": \"$REFRESH\"}"
expect 200 '{"success": true, "data": {"access": "…", "refresh": "…"}}'
ACCESS=$(found data.access)

# Chapter "V1 Endpoint Summary"

curl "$HOST/api/auth/me" -H "Authorization: Bearer $ACCESS"
expect 200 "{\"success\": true, \"data\": {\"id\": \"…\", \"email\": \"$ADMIN\", \"role\": \"admin\"}}"
curl "$HOST/api/rooms" -H "Authorization: Bearer $ACCESS"
expect 200 '{"success": true, "data": [{"id": "…"}]}'
ROOM=$(found data.0.id)
curl "$HOST/api/rooms"
expect 401 '{"success": false}'
curl "$HOST/api/rooms/$ROOM" -H "Authorization: Bearer $ACCESS"
expect 200 "{\"success\": true, \"data\": {\"id\": \"$ROOM\"}}"
curl -X POST "$HOST/api/bookings" -H "$JSON" -H "Authorization: Bearer $ACCESS" -d "{\"roomId\": \"$ROOM\", \"title\": \"Standup\", \"startTime\": \"${DAY}T10:00:00Z\", \"endTime\": \"${DAY}T11:00:00Z\"}"
expect 201 "{\"success\": true, \"data\": {\"id\": \"…\", \"roomId\": \"$ROOM\", \"status\": \"confirmed\", \"checkedIn\": false}}"
BOOKING=$(found data.id)
curl "$HOST/api/rooms/$ROOM/bookings?date=$DAY" -H "Authorization: Bearer $ACCESS"
expect 200 "{\"success\": true, \"data\": [{\"id\": \"$BOOKING\", \"title\": \"Standup\"}]}"
curl -X DELETE "$HOST/api/bookings/$BOOKING" -H "Authorization: Bearer $ACCESS"
expect 200 '{"success": true, "data": {"cancelled": true}}'

# one for each of the two doors, now: check-in opens a quarter of an hour before
for door in "bookings/checkin=bookings/end" "panel/meetings/checkin=panel/meetings/end"; do
    curl -X POST "$HOST/api/bookings" -H "$JSON" -H "Authorization: Bearer $ACCESS" -d "{\"roomId\": \"$ROOM\", \"title\": \"Now\", \"startTime\": \"$(date -u +%FT%TZ)\", \"endTime\": \"$(date -u -d '+30 minutes' +%FT%TZ)\"}"
    expect 201
    NOW=$(found data.id)
    curl "$HOST/api/panel/rooms/$ROOM/state" -H "Authorization: Bearer $ACCESS"
    expect 200 "{\"success\": true, \"data\": {\"room\": {\"id\": \"$ROOM\"}, \"status\": \"occupied\", \"currentMeeting\": {\"id\": \"$NOW\"}}}"
    for path in "${door%=*}" "${door#*=}"; do
        curl -X POST "$HOST/api/${path%/*}/$NOW/${path##*/}" -H "Authorization: Bearer $ACCESS"
        expect 200 '{"success": true}'
    done
done
for figures in kpi utilization ghosting capacity; do
    curl "$HOST/api/analytics/$figures?start_date=$DAY&end_date=$DAY" -H "Authorization: Bearer $ACCESS"
    expect 200 '{"success": true, "data": "…"}'
done
