package feed

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Members takes a JSON object apart and returns the JSON of each member. A member that is null counts as
// absent, and one that stands twice is an error: which one was meant is anyone's guess.
func Members(object string) (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(strings.NewReader(object))
	if start, err := dec.Token(); err != nil {
		return nil, notJSON(err)
	} else if start != json.Delim('{') {
		return nil, fmt.Errorf("%s is JSON but no object", clip(object))
	}
	members := make(map[string]json.RawMessage, 4)
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, notJSON(err)
		}
		name := token.(string) // the decoder accepts nothing else in this place
		if _, twice := members[name]; twice {
			return nil, fmt.Errorf("the member %q stands twice", clip(name))
		}
		var member json.RawMessage
		if err := dec.Decode(&member); err != nil {
			return nil, notJSON(err)
		}
		members[name] = member
	}
	if _, err := dec.Token(); err != nil {
		return nil, notJSON(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("it goes on after the JSON object")
	}
	for name, member := range members {
		if string(member) == "null" {
			delete(members, name)
		}
	}
	return members, nil
}

func notJSON(err error) error { return fmt.Errorf("it is not JSON: %w", err) }
