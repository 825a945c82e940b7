"""What of a set-up hurts once a service has two copies: rules over what its files say."""
