"""Securities, holdings, cash, margin, settlement and the models that brokerages bring with them."""
