package reference

// Document is one stock as the reference source holds it, before admission has looked at it.
//
// The four fields carry the source's values without judgement:
//
//   - nil when the field is absent or null,
//   - string, float64, int32 or int64 for those types,
//   - Number for a decimal,
//   - any other type as the source's Go value, so that admission can reject it by the name of its type.
//
// A document is therefore never an error of the source: what a field may hold is admission's decision alone.
type Document struct {
	// ID is a printable form of the document's identity in the source, for reports only. It never takes part in
	// the join, and it is empty when the source has no identity for the document.
	ID string

	Symbol      any
	CompanyName any
	LastPrice   any
	Volume      any
}

// Number is a decimal in plain or scientific notation exactly as the source prints it. It may also be
// "NaN", "Infinity" or "-Infinity", and its exponent may be far out of every sensible range:
// whoever computes with it checks first.
type Number string
