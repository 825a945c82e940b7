"""What each way of running several copies costs a month, item by item."""
