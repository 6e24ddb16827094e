"""The JSON API and the pages, put together from routers; see `app.create_app`."""
