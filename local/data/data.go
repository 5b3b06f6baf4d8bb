// Package data holds what the local stack is fed with on its first start.
package data

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
)

// HangSeng is the reference of the article's 30 Hang Seng stocks as CSV with the header
// Symbol, Company Name, Last Price, Volume. The codes are the article's; names, prices and volumes
// are plausible for November 2020 and no market data.
//
//go:embed hang-seng.csv
var HangSeng []byte

// Codes returns the stock codes of HangSeng, in its order.
func Codes() []string {
	rows, err := csv.NewReader(bytes.NewReader(HangSeng)).ReadAll()
	if err != nil {
		panic(fmt.Sprintf("data: hang-seng.csv: %v", err)) // it is compiled in, and tested
	}
	codes := make([]string, 0, len(rows)-1)
	for _, row := range rows[1:] {
		codes = append(codes, row[0])
	}
	return codes
}
