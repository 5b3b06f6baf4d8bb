package exception

// Gap is a feature of HBase that a message may ask for and this server does not have.
type Gap[M any] struct {
	What  string
	Asked func(M) bool
}

// Gaps are what one kind of message may ask for in vain.
type Gaps[M any] []Gap[M]

// Refuse is the refusal of the first feature that the message asks for, nil when it asks for none.
func (g Gaps[M]) Refuse(m M) error {
	for i := range g {
		if g[i].Asked(m) {
			return Unsupported("%s", g[i].What)
		}
	}
	return nil
}

// Names are the features in words.
func (g Gaps[M]) Names() []string {
	var names []string
	for i := range g {
		names = append(names, g[i].What)
	}
	return names
}
