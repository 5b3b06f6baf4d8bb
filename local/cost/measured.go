package cost

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"

	"feedstream/local/platform/manifest"
)

//go:embed measured.json
var committed []byte

// Basis is what a reckoning rests on besides the load.
type Basis struct {
	Shape    Shape
	Measured Measured
	Prices   Prices
}

// Files are where a basis is read from. An empty Run or Prices stands for what comes with the command.
type Files struct {
	Manifest string
	Run      string // what `feedstream up --records N --drain --json` printed
	Prices   string
}

// Read reads the basis.
func (f Files) Read() (Basis, error) {
	m, err := manifest.Load(f.Manifest)
	if err != nil {
		return Basis{}, err
	}
	var b Basis
	var problems [3]error
	b.Shape, problems[0] = ShapeOf(m)
	b.Prices, problems[1] = ReadPrices(f.Prices)
	b.Measured, problems[2] = committedRun()
	if f.Run != "" && problems[0] == nil && problems[2] == nil {
		b.Measured, problems[2] = b.Measured.ReadRun(f.Run, b.Shape.EnrichName)
	}
	return b, errors.Join(problems[:]...)
}

// committedRun is a measured run that comes with the command, for who has not measured their own.
func committedRun() (Measured, error) {
	var m Measured
	if err := json.Unmarshal(committed, &m); err != nil {
		return m, fmt.Errorf("read measured.json: %w", err)
	}
	return m, m.Check()
}
