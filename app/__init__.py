"""The domain of Mafei. No HTTP, no templates, no sockets; `app.factory` composes the application."""
