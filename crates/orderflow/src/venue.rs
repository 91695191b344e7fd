//! The venues whose frames we read.

/// A venue, in the words that a lake's rows use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Venue {
    /// Binance USD-margined futures.
    BinanceUsdm,
    /// Binance spot.
    BinanceSpot,
    /// Binance coin-margined futures; quantities are contracts.
    BinanceCoinm,
    /// Hyperliquid.
    Hyperliquid,
    /// OKX.
    Okx,
}

impl Venue {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::BinanceUsdm, Self::BinanceSpot, Self::BinanceCoinm, Self::Hyperliquid, Self::Okx];

    /// Returns the name in rows, settings and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::BinanceUsdm => "binance-usdm",
            Self::BinanceSpot => "binance-spot",
            Self::BinanceCoinm => "binance-coinm",
            Self::Hyperliquid => "hyperliquid",
            Self::Okx => "okx",
        }
    }

    /// Returns the venue of a name.
    ///
    /// # Errors
    /// A name that is none of them.
    pub fn of(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|venue| venue.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("venue \"{name}\" is not one of {names}")
        })
    }

    /// Returns whether the frames are in Binance's words.
    pub fn is_binance(self) -> bool {
        matches!(self, Self::BinanceUsdm | Self::BinanceSpot | Self::BinanceCoinm)
    }
}
