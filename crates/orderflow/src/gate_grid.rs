//! The grid of an instrument: prices on the tick, quantities on the step.

/// Beyond so many ticks a float cannot tell one from the next.
const UNITS_MAX: f64 = 1e13;
/// Adding and taking away 1.5 x 2^52 rounds to the nearest whole number, without a call.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// What an instrument's prices and quantities must be multiples of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum GridRule {
    /// Nothing is known.
    #[default]
    Unknown,
    /// Tick and step; 0 where one is not known.
    Steps {
        /// Price tick, quote units.
        tick: f64,
        /// Quantity step, base units.
        step: f64,
    },
    /// Decimals of price and quantity.
    Decimals {
        /// Of the price.
        price: u32,
        /// Of the quantity.
        qty: u32,
    },
}

/// Units in one, so that a multiplication tells how many there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    price_units: f64,
    qty_units: f64,
}

impl Grid {
    /// Returns the grid of a rule, None where nothing is known.
    pub fn of(rule: &GridRule) -> Result<Option<Self>, String> {
        let units = |name: &str, size: f64| match size {
            0.0 => Ok(0.0),
            size if (1e-18..=1e18).contains(&size) => Ok(1.0 / size),
            _ => {
                Err(format!("{name} is {size}, 1e-18 to 1e18 is needed, or 0 where it is unknown"))
            }
        };
        let power = |name: &str, decimals: u32| match decimals {
            0..=18 => Ok(10_f64.powi(decimals as i32)),
            _ => Err(format!("{name} has {decimals} decimals, at most 18 are possible")),
        };
        match *rule {
            GridRule::Unknown => Ok(None),
            GridRule::Steps { tick, step } => Ok(Some(Self {
                price_units: units("tick", tick)?,
                qty_units: units("step", step)?,
            })),
            GridRule::Decimals { price, qty } => Ok(Some(Self {
                price_units: power("price", price)?,
                qty_units: power("qty", qty)?,
            })),
        }
    }

    /// Returns whether a price lies between ticks.
    pub fn is_price_off(&self, price: f64) -> bool {
        is_off(price * self.price_units)
    }

    /// Returns whether a quantity lies between steps.
    pub fn is_qty_off(&self, qty: f64) -> bool {
        is_off(qty * self.qty_units)
    }
}

/// Not a number, infinite and huge are judged elsewhere.
fn is_off(units: f64) -> bool {
    let nearest = (units + ROUNDER) - ROUNDER;
    let off = (units - nearest).abs();
    off > 1e-6 && off > units * 1e-14 && units < UNITS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_between_ticks_is_off_the_grid() {
        let grid = Grid::of(&GridRule::Steps { tick: 0.1, step: 0.001 }).unwrap().unwrap();
        for price in [0.1, 0.3, 61_709.9, 123_456_789.7] {
            assert!(!grid.is_price_off(price), "{price}");
            assert!(grid.is_price_off(price + 0.01), "{price}");
        }
        assert!(!grid.is_qty_off(0.003) && grid.is_qty_off(0.0035));
        let grid = Grid::of(&GridRule::Decimals { price: 5, qty: 0 }).unwrap().unwrap();
        assert!(!grid.is_price_off(0.23103) && grid.is_price_off(0.231035));
        assert!(!grid.is_qty_off(17_739.0) && grid.is_qty_off(0.5));
        assert!(!grid.is_qty_off(f64::NAN) && !grid.is_qty_off(f64::INFINITY));
    }

    #[test]
    fn a_rule_that_is_no_grid_is_refused() {
        for rule in [
            GridRule::Steps { tick: -0.1, step: 0.1 },
            GridRule::Steps { tick: 0.1, step: f64::NAN },
            GridRule::Decimals { price: 19, qty: 0 },
        ] {
            assert!(Grid::of(&rule).is_err(), "{rule:?}");
        }
        let open = Grid::of(&GridRule::Steps { tick: 0.0, step: 0.0 }).unwrap().unwrap();
        assert!(!open.is_price_off(0.123));
    }
}
