package feed

// Forms are a stock's name and price in the forms that rows and messages have of them, as the snapshot of the
// reference keeps them ready.
type Forms struct {
	text                string // price, DECIMAL, name, and the name in JSON unless that is the name itself
	decimal, name, json uint32 // where they begin
}

// FormsOf returns the forms that lie one behind the other in a text: the price in plain notation, from decimal on
// what Price.AppendDecimal writes, both empty without a price, from name on the name, and from json on what
// AppendEscaped writes, empty when that is the name.
func FormsOf(text string, decimal, name, json int) Forms {
	return Forms{text, uint32(decimal), uint32(name), uint32(json)}
}

// Text is what all the forms lie in.
func (f *Forms) Text() string { return f.text }

// At returns the same forms in a copy of their text.
func (f *Forms) At(text string) Forms { return Forms{text, f.decimal, f.name, f.json} }

// Price is plain notation, as Price.Append writes it, empty without a price.
func (f *Forms) Price() string { return f.text[:f.decimal] }

// Decimal is what Price.AppendDecimal writes, empty without a price.
func (f *Forms) Decimal() string { return f.text[f.decimal:f.name] }

// Name is the name as it is.
func (f *Forms) Name() string { return f.text[f.name:f.json] }

// JSON is the name as the inside of a JSON string.
func (f *Forms) JSON() string {
	if int(f.json) == len(f.text) {
		return f.Name()
	}
	return f.text[f.json:]
}
