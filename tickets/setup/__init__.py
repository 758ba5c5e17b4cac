"""The settings pages about the exchange: channels and envelopes. Here because they lead to tickets."""
