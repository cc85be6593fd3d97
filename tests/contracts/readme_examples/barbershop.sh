# Chapter "API Endpoints": Authentication

PASSWORD='Granite 81 lantern'
curl -X POST "$HOST/api/auth/register/" -H "$JSON" -d "{\"username\": \"$WHO\", \"email\": \"$WHO@example.com\", \"first_name\": \"Ana\", \"last_name\": \"Example\", \"phone\": \"030 1234\", \"password\": \"$PASSWORD\"}"
expect 201 "{\"id\": \"…\", \"username\": \"$WHO\", \"email\": \"$WHO@example.com\", \"phone\": \"030 1234\", \"is_admin\": false, \"is_staff_member\": false}"
ME=$(found id)
curl -X POST "$HOST/api/auth/login/" -H "$JSON" -d "{\"username\": \"$WHO\", \"password\": \"$PASSWORD\"}"
expect 200 '{"refresh": "…", "access": "…"}'
ACCESS=$(found access) REFRESH=$(found refresh)
curl -X POST "$HOST/api/auth/refresh/" -H "$JSON" -d "{\"refresh\": \"$REFRESH\"}"
expect 200 '{"access": "…"}'
curl -X POST "$HOST/api/auth/login/" -H "$JSON" -d "{\"username\": \"$ADMIN_NAME\", \"password\": \"$ADMIN_PASSWORD\"}"
expect 200 '{"access": "…"}'
ADMINS=$(found access)

# Users

curl "$HOST/api/users/" -H "Authorization: Bearer $ADMINS"
expect 200 '[{"id": "…", "username": "…"}]'
curl "$HOST/api/users/" -H "Authorization: Bearer $ACCESS"
expect 403
curl "$HOST/api/users/$ME/" -H "Authorization: Bearer $ACCESS"
expect 200 "{\"id\": $ME, \"username\": \"$WHO\"}"
curl -X PATCH "$HOST/api/users/$ME/" -H "$JSON" -H "Authorization: Bearer $ACCESS" -d '{"phone": "030 9999"}'
expect 200 '{"phone": "030 9999"}'

# Reservations

shop_time() { # of a time in UTC
    "$PYTHON" -I -c 'import sys, zoneinfo; from datetime import datetime
print(datetime.fromisoformat(sys.argv[1]).astimezone(zoneinfo.ZoneInfo("Europe/Berlin")).isoformat())' "${DAY}T$1Z"
}
curl -X POST "$HOST/api/reservations/" -H "$JSON" -H "Authorization: Bearer $ACCESS" -d "{\"start_time\": \"${DAY}T10:00:00Z\", \"end_time\": \"${DAY}T10:30:00Z\", \"notes\": \"short at the sides\"}"
expect 201 "{\"id\": \"…\", \"customer\": $ME, \"start_time\": \"$(shop_time 10:00)\", \"end_time\": \"$(shop_time 10:30)\", \"status\": \"pending\", \"notes\": \"short at the sides\", \"created_at\": \"…\"}"
ROW=$(found id)
curl "$HOST/api/reservations/" -H "Authorization: Bearer $ACCESS"
expect 200 "[{\"id\": $ROW}]"
curl "$HOST/api/reservations/$ROW/" -H "Authorization: Bearer $ACCESS"
expect 200 "{\"id\": $ROW, \"status\": \"pending\"}"
curl -X PATCH "$HOST/api/reservations/$ROW/" -H "$JSON" -H "Authorization: Bearer $ADMINS" -d '{"status": "confirmed"}'
expect 200 '{"status": "confirmed"}'
curl -X PATCH "$HOST/api/reservations/$ROW/" -H "$JSON" -H "Authorization: Bearer $ACCESS" -d '{"notes": "and the beard"}'
expect 200 '{"status": "confirmed", "notes": "and the beard"}'
curl -X DELETE "$HOST/api/reservations/$ROW/" -H "Authorization: Bearer $ACCESS"
expect 204

# Dashboard, and the health check of "Docker Support"

curl "$HOST/api/dashboard/stats/" -H "Authorization: Bearer $ADMINS"
expect 200 '{"total_users": "…", "total_reservations": "…", "pending_reservations": "…"}'
curl "$HOST/api/dashboard/stats/" -H "Authorization: Bearer $ACCESS"
expect 403
curl "$HOST/api/health/"
expect 200 '{"status": "healthy"}'
curl -X DELETE "$HOST/api/users/$ME/" -H "Authorization: Bearer $ACCESS"
expect 403
curl -X DELETE "$HOST/api/users/$ME/" -H "Authorization: Bearer $ADMINS"
expect 204
