package reference

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cockroachdb/apd/v3"

	"feedstream/shared/feed"
)

const (
	// MaxNameLength is the longest company name, in characters.
	MaxNameLength = 200
	// maxNamed bounds how many rejected documents a report names; all are counted.
	maxNamed = 20
)

// Admission collects the documents of one read and decides which become entries.
type Admission struct {
	entries  map[string]feed.Entry
	first    map[string]string // symbol -> ID of the document that brought it first
	twice    map[string]bool
	read     int
	rejected int
	named    []RejectedDocument
}

// RejectedDocument names a document that was not admitted, and why.
type RejectedDocument struct {
	ID     string `json:"id"`
	Symbol string `json:"symbol,omitempty"`
	Reason string `json:"reason"`
}

// Report says what a read of the source came to.
type Report struct {
	Read     int                `json:"read"`
	Admitted int                `json:"admitted"`
	Rejected int                `json:"rejected"`
	Named    []RejectedDocument `json:"rejectedDocuments,omitempty"` // the first 20 of them
	// Jumped counts the prices that changed by more than the policy allows; Jumps names the first 20.
	Jumped int         `json:"jumped,omitempty"`
	Jumps  []PriceJump `json:"priceJumps,omitempty"`
}

// NewAdmission returns an empty admission.
func NewAdmission() *Admission {
	return &Admission{entries: map[string]feed.Entry{}, first: map[string]string{}, twice: map[string]bool{}}
}

// Add judges one document.
func (a *Admission) Add(d Document) {
	a.read++
	code, entry, err := admit(d)
	if err != nil {
		a.reject(d.ID, code, err.Error())
		return
	}
	if earlier, seen := a.first[code]; seen {
		a.reject(d.ID, code, "the symbol stands in another document too: "+earlier)
		// Which of them is meant is anyone's guess, so the first one goes as well.
		if !a.twice[code] {
			a.twice[code] = true
			delete(a.entries, code)
			a.reject(earlier, code, "the symbol stands in another document too: "+d.ID)
		}
		return
	}
	a.first[code] = d.ID
	a.entries[code] = entry
}

func (a *Admission) reject(id, symbol, reason string) {
	a.rejected++
	if len(a.named) < maxNamed {
		a.named = append(a.named, RejectedDocument{ID: id, Symbol: symbol, Reason: reason})
	}
}

// Result returns the admitted entries and the report.
func (a *Admission) Result() (map[string]feed.Entry, Report) {
	return a.entries, Report{Read: a.read, Admitted: len(a.entries), Rejected: a.rejected, Named: a.named}
}

func admit(d Document) (code string, entry feed.Entry, err error) {
	code, ok := d.Symbol.(string)
	if !ok {
		return "", entry, fmt.Errorf("symbol is %s, not a string", describe(d.Symbol))
	}
	if !feed.ValidStockCode(code) {
		return strings.ToValidUTF8(code[:min(len(code), 64)], "�"), entry,
			errors.New("symbol does not match [0-9A-Za-z._-]{1,32}")
	}
	name, ok := d.CompanyName.(string)
	if !ok {
		return code, entry, fmt.Errorf("CompanyName is %s, not a string", describe(d.CompanyName))
	}
	if err := checkName(name); err != nil {
		return code, entry, err
	}
	price, err := admitPrice(d.LastPrice)
	if err != nil {
		return code, entry, fmt.Errorf("LastPrice: %w", err)
	}
	return code, feed.Entry{Name: name, Price: price}, nil
}

func describe(value any) string {
	if value == nil {
		return "absent or null"
	}
	return fmt.Sprintf("a %T", value)
}

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("CompanyName is empty")
	case !utf8.ValidString(name):
		return errors.New("CompanyName is not UTF-8")
	case utf8.RuneCountInString(name) > MaxNameLength:
		return fmt.Errorf("CompanyName has %d characters, at most %d are allowed",
			utf8.RuneCountInString(name), MaxNameLength)
	case strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("CompanyName contains a control character")
	}
	return nil
}

// admitPrice turns whatever number the source holds into a price, truncating to four decimals: the
// one place where this happens.
func admitPrice(value any) (*feed.Price, error) {
	var text string
	switch value := value.(type) {
	case nil:
		return nil, nil
	case float64:
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return nil, fmt.Errorf("%v is not a number", value)
		}
		text = strconv.FormatFloat(value, 'e', -1, 64) // the shortest decimal that is this double
	case int32:
		text = strconv.FormatInt(int64(value), 10)
	case int64:
		text = strconv.FormatInt(value, 10)
	case Number:
		text = string(value)
	case string:
		text = value
	default:
		return nil, fmt.Errorf("%s is not a number", describe(value))
	}
	const longest = 64
	if len(text) > longest {
		return nil, fmt.Errorf("the number has more than %d characters", longest)
	}
	d, _, err := apd.NewFromString(text)
	if err != nil || d.Form != apd.Finite {
		return nil, fmt.Errorf("%q is not a number", text)
	}
	if d.Negative && !d.IsZero() {
		return nil, fmt.Errorf("%s is negative", text)
	}
	if !d.IsZero() && d.NumDigits()+int64(d.Exponent) > 14 {
		return nil, fmt.Errorf("%s has more than 14 integer digits", text)
	}
	return truncate(d), nil
}

// truncate cuts a decimal of at most 14 integer digits to four decimals.
func truncate(d *apd.Decimal) *feed.Price {
	var price feed.Price
	if d.IsZero() || d.NumDigits()+int64(d.Exponent) <= -feed.PriceScale {
		return &price
	}
	digits := d.Coeff.String()
	if shift := int(d.Exponent) + feed.PriceScale; shift >= 0 {
		digits += strings.Repeat("0", shift)
	} else {
		digits = digits[:len(digits)+shift]
	}
	amount, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		panic("reference: 18 digits overflow an int64: " + digits) // unreachable
	}
	price = feed.Price(amount)
	return &price
}
