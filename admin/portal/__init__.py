"""What anybody may see without a login: the door, the check of a certificate, and whether kaowu is well.

Nothing personal is shown here but the masked holder of a certificate whose two numbers the visitor already knows.
"""
