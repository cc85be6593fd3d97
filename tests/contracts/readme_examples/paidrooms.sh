# Chapter "Authentication APIs"

EMAIL="$WHO@example.com" PASSWORD=yourpassword COOKIES=$(mktemp)
curl -X POST "$HOST/api/register/" -H "$JSON" -d "{\"email\": \"$EMAIL\", \"password\": \"$PASSWORD\", \"confirm_password\": \"$PASSWORD\"}"
expect 201 '{"message": "Registration successful", "user_id": "…"}'
ME=$(found user_id)
curl -X POST "$HOST/api/login/" -c "$COOKIES" -H "$JSON" -d "{\"email\": \"$EMAIL\", \"password\": \"$PASSWORD\"}"
expect 200 "{\"message\": \"Login successful\", \"user_id\": $ME, \"email\": \"$EMAIL\", \"is_staff\": false, \"is_superuser\": false, \"access\": \"…\"}"
curl -X POST "$HOST/api/token/refresh-cookie/" -b "$COOKIES"
expect 200 '{"access": "…", "message": "Token refreshed successfully"}'
ACCESS=$(found access)
curl -X POST "$HOST/api/login/" -H "$JSON" -d "{\"email\": \"$ADMIN\", \"password\": \"$ADMIN_PASSWORD\"}"
expect 200 '{"is_staff": true, "is_superuser": true}'
ADMINS=$(found access)

# Chapter "Booking Service APIs"

curl "$HOST/api/rooms/"
expect 200 '{"count": "…", "rooms": [{"id": "…", "name": "…", "description": "?", "price_per_slot": 50.0, "capacity": "…", "amenities": ["…"], "is_available": true, "slot_duration_minutes": 30, "opening_time": "09:00:00", "closing_time": "18:00:00"}]}'
ROOM=$(found rooms.0.id) NAME=$(found rooms.0.name)
curl -X POST "$HOST/api/bookings/" -H "$JSON" -H "Authorization: Bearer $ACCESS" -d "{\"user_id\": $ME, \"room_id\": $ROOM, \"booking_date\": \"$DAY\", \"start_time\": \"09:00:00\", \"end_time\": \"10:00:00\", \"guest_count\": 5, \"special_requests\": \"Need projector setup\"}"
expect 201 "{\"id\": \"…\", \"user_id\": $ME, \"user_name\": \"$EMAIL\", \"user_email\": \"$EMAIL\", \"room_id\": $ROOM, \"room_name\": \"$NAME\", \"booking_date\": \"$DAY\", \"start_time\": \"09:00:00\", \"end_time\": \"10:00:00\", \"guest_count\": 5, \"total_amount\": 100.0, \"number_of_slots\": 2, \"status\": \"pending\", \"payment_status\": \"pending\", \"hold_expires_at\": \"…\"}"
BOOKING=$(found id)
curl -X POST "$HOST/api/payment-intent/" -H "$JSON" -H "Authorization: Bearer $ACCESS" -d "{\"booking_id\": $BOOKING, \"amount\": 100.00, \"currency\": \"usd\"}"
expect 201 "{\"payment_intent_id\": \"…\", \"client_secret\": \"…\", \"amount\": 100.0, \"currency\": \"usd\", \"status\": \"requires_payment_method\", \"booking_id\": $BOOKING}"
INTENT=$(found payment_intent_id)
curl "$HOST/api/bookings/$BOOKING/" -H "Authorization: Bearer $ACCESS"
expect 200 "{\"id\": $BOOKING, \"status\": \"pending\"}"
curl "$HOST/api/bookings/all/" -H "Authorization: Bearer $ADMINS"
expect 200 "{\"count\": \"…\", \"bookings\": [{\"id\": $BOOKING}]}"
curl "$HOST/api/bookings/all/" -H "Authorization: Bearer $ACCESS"
expect 403

# Chapter "Stripe Webhook"; as Stripe signs it

for event in payment_intent.succeeded payment_intent.payment_failed; do
    AT=$(date +%s) EVENT="{\"id\": \"evt_$INTENT.$event\", \"object\": \"event\", \"type\": \"$event\", \"data\": {\"object\": {\"id\": \"$INTENT\", \"object\": \"payment_intent\"}}}"
    SIGNATURE="t=$AT,v1=$(printf '%s.%s' "$AT" "$EVENT" | openssl dgst -sha256 -hmac "$STRIPE_WEBHOOK_SECRET" | sed 's/.* //')"
    curl -X POST "$HOST/api/stripe-webhook/" -H "$JSON" -H "Stripe-Signature: $SIGNATURE" -d "$EVENT"
    expect 200
done
curl -X POST "$HOST/api/stripe-webhook/" -H "$JSON" -H "Stripe-Signature: nobody's" -d "$EVENT"
expect 400

# Chapter "Automatic Room Release": the crontab's line, where a setting lets anybody call it

if [ -n "$CLEANUP_OPEN" ]; then
    curl -X POST "$HOST/api/cleanup-expired-bookings"
    expect 200
fi
curl -X POST "$HOST/api/cleanup-expired-bookings" -H "Authorization: Bearer $ADMINS"
expect 200

# Chapter "Authentication APIs": Logout

curl -X POST "$HOST/api/logout/" -b "$COOKIES" -c "$COOKIES" -H "Authorization: Bearer $ACCESS"
expect 200 '{"message": "Logout successful"}'
curl -X POST "$HOST/api/token/refresh-cookie/" -b "$COOKIES"
expect 401
rm -f "$COOKIES"
