-- What can be spent: lots - overdrawn - held.
local function available_of(wallet)
  return wallet[WALLET.CREDIT] - wallet[WALLET.OVERDRAWN] - wallet[WALLET.HELD]
end
