// Package data holds what the local stack is fed with on its first start, and reads such files.
package data

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"feedstream/shared/reference"
)

// HangSeng is the reference of the article's 30 Hang Seng stocks as CSV with the header
// Symbol, Company Name, Last Price, Volume. The codes are the article's; names, prices and volumes
// are plausible for November 2020 and no market data.
//
//go:embed hang-seng.csv
var HangSeng []byte

// Codes returns the stock codes of HangSeng, in its order.
func Codes() []string {
	documents, err := Parse(HangSeng)
	if err != nil {
		panic(fmt.Sprintf("data: hang-seng.csv: %v", err)) // it is compiled in, and tested
	}
	codes := make([]string, len(documents))
	for i, d := range documents {
		codes[i] = d.Symbol.(string) // Parse makes no other
	}
	return codes
}

// Parse reads a reference in the form of HangSeng. Whether a row is a good entry is for the admission to
// say; only what has no place in a document is refused here, by line.
func Parse(content []byte) ([]reference.Document, error) {
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, []byte("\ufeff"))))
	header, err := reader.Read()
	if err != nil {
		return nil, fmt.Errorf("read the header line: %w", err)
	}
	want := []string{"Symbol", "Company Name", "Last Price", "Volume"}
	if strings.Join(header, ",") != strings.Join(want, ",") {
		return nil, fmt.Errorf("the header is %q, it must be %q", header, want)
	}
	var documents []reference.Document
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, err
		}
		d, err := document(row)
		if err != nil {
			line, _ := reader.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		documents = append(documents, d)
	}
}

func document(row []string) (reference.Document, error) {
	d := reference.Document{Symbol: row[0], CompanyName: row[1]}
	if row[2] != "" {
		d.LastPrice = reference.Number(row[2])
	}
	if row[3] != "" {
		volume, err := strconv.ParseInt(row[3], 10, 64)
		if err != nil {
			return d, fmt.Errorf("the volume %q is not an integer", row[3])
		}
		d.Volume = volume
	}
	return d, nil
}
