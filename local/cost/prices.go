// Package cost says what a feed costs in a month, and how large its services must be: plain arithmetic on a measured
// run, the sizes of the manifest and a dated list of prices. It counts Function Compute and the event stream; Kafka,
// HBase, OSS, MongoDB, logs and traffic are priced by size and contract, and are not in it.
package cost

import (
	_ "embed"
	"errors"
	"fmt"
	"os"

	"github.com/goccy/go-yaml"
)

//go:embed prices.yaml
var published []byte

// Prices are those of one day.
type Prices struct {
	Date  string `yaml:"date" json:"date"`
	Units Units  `yaml:"units" json:"units"`
	Sites []Site `yaml:"sites" json:"sites"`
}

// Units are the compute units that Function Compute counts.
type Units struct {
	VCPUSecond     float64 `yaml:"vcpuSecond" json:"vcpuSecond"`
	GigabyteSecond float64 `yaml:"gigabyteSecond" json:"gigabyteSecond"`
	Call           float64 `yaml:"call" json:"call"`
}

// Site is a site of the vendor, with prices of its own. A price that is nil is unknown.
type Site struct {
	Name           string   `yaml:"name" json:"name"`
	Currency       string   `yaml:"currency" json:"currency"`
	Unit           []Tier   `yaml:"unit" json:"unit"`
	FunctionHour   *float64 `yaml:"functionHour" json:"functionHour"`
	StreamMillion  *float64 `yaml:"streamMillion" json:"streamMillion"`
	StreamUnitHour *float64 `yaml:"streamUnitHour" json:"streamUnitHour"`
}

// Tier is the price of a compute unit up to a monthly use; the last one has no end.
type Tier struct {
	UpTo  float64 `yaml:"upTo" json:"upTo,omitempty"`
	Price float64 `yaml:"price" json:"price"`
}

// ReadPrices reads a list of prices, or the one that comes with the command when path is empty.
func ReadPrices(path string) (Prices, error) {
	content, name := published, "prices.yaml"
	if path != "" {
		name = path
		var err error
		if content, err = os.ReadFile(path); err != nil {
			return Prices{}, fmt.Errorf("read the prices: %w", err)
		}
	}
	var p Prices
	err := yaml.UnmarshalWithOptions(content, &p, yaml.Strict())
	if err == nil {
		err = p.check()
	}
	if err != nil {
		return Prices{}, fmt.Errorf("prices %s: %w", name, err)
	}
	return p, nil
}

// check refuses what arithmetic would turn into a wrong amount without a word.
func (p Prices) check() error {
	var problems []error
	if p.Units.VCPUSecond <= 0 || p.Units.GigabyteSecond < 0 || p.Units.Call < 0 {
		problems = append(problems, errors.New("units are missing or negative: write vcpuSecond, gigabyteSecond and call"))
	}
	if len(p.Sites) == 0 {
		problems = append(problems, errors.New("it has no sites: write one with name, currency and unit"))
	}
	for _, s := range p.Sites {
		before := 0.0
		for i, tier := range s.Unit {
			if last := i == len(s.Unit)-1; last != (tier.UpTo == 0) || !last && tier.UpTo <= before || tier.Price < 0 {
				problems = append(problems, fmt.Errorf("site %s: tier %d: upTo must rise, and only the last tier has none", s.Name, i+1))
			}
			before = tier.UpTo
		}
		if len(s.Unit) == 0 {
			problems = append(problems, fmt.Errorf("site %s has no price of a compute unit", s.Name))
		}
		for _, price := range []*float64{s.FunctionHour, s.StreamMillion, s.StreamUnitHour} {
			if price != nil && *price < 0 {
				problems = append(problems, fmt.Errorf("site %s has the price %g: leave out what is not known", s.Name, *price))
			}
		}
	}
	return errors.Join(problems...)
}

// compute is what so many compute units of a month cost.
func (s Site) compute(units float64) float64 {
	amount, from := 0.0, 0.0
	for _, tier := range s.Unit {
		if units <= from {
			break
		}
		upTo := units
		if tier.UpTo > 0 {
			upTo = min(units, tier.UpTo)
		}
		amount += (upTo - from) * tier.Price
		from = tier.UpTo
		if from == 0 {
			break
		}
	}
	return amount
}
