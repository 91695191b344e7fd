"""An exchange of our own on this machine: Binance USD-M's REST and WebSocket over the simulator core."""
