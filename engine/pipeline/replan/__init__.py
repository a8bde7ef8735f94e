"""Other plans on the way: what a policy asks for, what is decided about it, and the plan that comes of it. The core only holds steps."""
