"""Where computations run when one machine is not enough."""
