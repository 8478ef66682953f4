"""The CCSDS File Delivery Protocol, class 2 (acknowledged), without any input or output of its own."""
