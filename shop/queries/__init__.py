"""What the storefront's pages ask for; every statement is made once and its values come later."""
