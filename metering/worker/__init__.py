"""The bucket loop: consume, price, apply, publish; assignment and recovery; the Faust shell around it."""
