"""Stock behind lines and parcels out of the door: the Stock and Shipment aggregates."""
