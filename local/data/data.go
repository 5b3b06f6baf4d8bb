// Package data holds what the local stack is fed with on its first start.
package data

import _ "embed"

// HangSeng is the reference of the article's 30 Hang Seng stocks as CSV with the header
// Symbol, Company Name, Last Price, Volume. The codes are the article's; names, prices and volumes
// are plausible for November 2020 and no market data.
//
//go:embed hang-seng.csv
var HangSeng []byte
