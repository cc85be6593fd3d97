# Chapter "User Registration & Login"

PASSWORD=SecurePassword123
curl -X POST "$HOST/api/auth/users/" -H "$JSON" -d "{\"username\": \"$WHO\", \"email\": \"$WHO@example.com\", \"password\": \"$PASSWORD\", \"first_name\": \"John\", \"last_name\": \"Doe\"}"
expect 201 "{\"id\": \"…\", \"username\": \"$WHO\", \"email\": \"$WHO@example.com\", \"first_name\": \"John\", \"last_name\": \"Doe\"}"
ME=$(found id)
curl -X POST "$HOST/api/auth/token/login/" -H "$JSON" -d "{\"username\": \"$WHO\", \"password\": \"$PASSWORD\"}"
expect 200 '{"auth_token": "…"}'
TOKEN=$(found auth_token)
curl -X POST "$HOST/api/auth/token/login/" -H "$JSON" -d "{\"username\": \"$ADMIN_NAME\", \"password\": \"$ADMIN_PASSWORD\"}"
expect 200
ADMINS=$(found auth_token)
curl "$HOST/api/auth/users/me/" -H "Authorization: Token $TOKEN"
expect 200 "{\"id\": $ME, \"username\": \"$WHO\", \"email\": \"$WHO@example.com\"}"
curl -X PATCH "$HOST/api/auth/users/me/" -H "$JSON" -H "Authorization: Token $TOKEN" -d "{\"username\": \"$WHO.2\"}"
expect 200 "{\"username\": \"$WHO.2\"}"
curl -X PUT "$HOST/api/auth/users/me/" -H "$JSON" -H "Authorization: Token $TOKEN" -d "{\"username\": \"$WHO\", \"email\": \"$WHO@example.com\"}"
expect 200 "{\"username\": \"$WHO\"}"

# Chapter "Protected Endpoints"

curl -H "Authorization: Token $TOKEN" "$HOST/api/bookings/"
expect 200 '[]'
curl "$HOST/api/bookings/"
expect 401
curl -H 'Authorization: Token nonsense' "$HOST/api/bookings/"
expect 401 '{"detail": "Invalid token."}'

# Chapter "Resource Endpoints"

curl -X POST "$HOST/api/resources/" -H "$JSON" -H "Authorization: Token $ADMINS" -d '{"name": "Conference Room A", "description": "Main conference room with projector", "capacity": 10, "is_available": true}'
expect 201 '{"id": "…", "name": "Conference Room A", "description": "Main conference room with projector", "capacity": 10, "is_available": true, "availability_status": "available"}'
ROOM=$(found id)
curl -X POST "$HOST/api/resources/" -H "$JSON" -H "Authorization: Token $TOKEN" -d '{"name": "Mine"}'
expect 403
curl "$HOST/api/resources/"
expect 200 '[{"id": "…", "name": "…", "availability_status": "…"}]'
curl "$HOST/api/resources/$ROOM/"
expect 200 "{\"id\": $ROOM, \"name\": \"Conference Room A\"}"
curl -X PATCH "$HOST/api/resources/$ROOM/" -H "$JSON" -H "Authorization: Token $ADMINS" -d '{"capacity": 12}'
expect 200 '{"capacity": 12}'
curl -X PUT "$HOST/api/resources/$ROOM/" -H "$JSON" -H "Authorization: Token $ADMINS" -d '{"name": "Conference Room B"}'
expect 200 '{"name": "Conference Room B"}'

# Chapter "Booking Endpoints"

curl -X POST "$HOST/api/bookings/" -H "$JSON" -H "Authorization: Token $TOKEN" -d "{\"resource\": $ROOM, \"start_time\": \"${DAY}T14:00:00Z\", \"end_time\": \"${DAY}T16:00:00Z\", \"status\": \"pending\", \"notes\": \"Team meeting\"}"
expect 201 "{\"id\": \"…\", \"user\": $ME, \"username\": \"$WHO\", \"resource\": $ROOM, \"resource_name\": \"Conference Room B\", \"start_time\": \"${DAY}T14:00:00Z\", \"end_time\": \"${DAY}T16:00:00Z\", \"status\": \"pending\", \"notes\": \"Team meeting\", \"created_at\": \"…\", \"updated_at\": \"…\"}"
BOOKING=$(found id)
curl "$HOST/api/bookings/" -H "Authorization: Token $TOKEN"
expect 200 "[{\"id\": $BOOKING}]"
curl "$HOST/api/bookings/$BOOKING/" -H "Authorization: Token $TOKEN"
expect 200 "{\"id\": $BOOKING}"
curl -X PATCH "$HOST/api/bookings/$BOOKING/" -H "$JSON" -H "Authorization: Token $TOKEN" -d '{"notes": "with chairs"}'
expect 200 '{"notes": "with chairs"}'
curl -X PUT "$HOST/api/bookings/$BOOKING/" -H "$JSON" -H "Authorization: Token $TOKEN" -d "{\"resource\": $ROOM, \"start_time\": \"${DAY}T15:00:00Z\", \"end_time\": \"${DAY}T16:00:00Z\"}"
expect 200 "{\"start_time\": \"${DAY}T15:00:00Z\", \"status\": \"pending\"}"
curl -X DELETE "$HOST/api/bookings/$BOOKING/" -H "Authorization: Token $TOKEN"
expect 204

# Chapters "Profile Endpoints" and "Health Check"

for method in PUT PATCH; do
    curl -X $method "$HOST/api/profile/picture/" -H "$JSON" -H "Authorization: Token $TOKEN" -d '{"profile_picture": "https://res.cloudinary.com/demo/a.jpg", "cloudinary_public_id": "user_profiles/abc123"}'
    expect 200 '{"profile_picture": "https://res.cloudinary.com/demo/a.jpg", "cloudinary_public_id": "user_profiles/abc123"}'
done
curl -X DELETE "$HOST/api/profile/picture/delete/" -H "Authorization: Token $TOKEN"
expect 200
curl "$HOST/health/"
expect 200 '{"status": "ok"}'
curl "$HOST/api/" # "Useful URLs"
expect 200

# the rest of "Authentication Endpoints", which ends what was begun

curl -X DELETE "$HOST/api/resources/$ROOM/" -H "Authorization: Token $ADMINS"
expect 204
curl -X POST "$HOST/api/auth/users/set_password/" -H "$JSON" -H "Authorization: Token $TOKEN" -d "{\"current_password\": \"$PASSWORD\", \"new_password\": \"Granite 81 lantern\", \"re_new_password\": \"Granite 81 lantern\"}"
expect 204
curl -X POST "$HOST/api/auth/token/logout/" -H "Authorization: Token $TOKEN"
expect 204
curl "$HOST/api/auth/users/me/" -H "Authorization: Token $TOKEN"
expect 401 '{"detail": "Invalid token."}'
curl -X POST "$HOST/api/auth/token/login/" -H "$JSON" -d "{\"username\": \"$WHO\", \"password\": \"Granite 81 lantern\"}"
expect 200
TOKEN=$(found auth_token)
curl -X DELETE "$HOST/api/auth/users/me/" -H "$JSON" -H "Authorization: Token $TOKEN" -d '{"current_password": "Granite 81 lantern"}'
expect 204
