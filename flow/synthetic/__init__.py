"""Generated pairs with exact flow."""
