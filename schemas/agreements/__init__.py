"""What two agencies agreed: the terms, the signed steps about them, and the state as a pure function of both chains."""
