"""Resource booking: djoser's accounts and tokens, requests half an hour ahead, pictures."""
