"""The admin site. Changes of status go through the services; history is read-only."""
