"""The ground's end of the CCSDS File Delivery Protocol: files that devices send here, and files sent to their inbox."""
