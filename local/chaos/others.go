package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Disturbance is a fault that the rules of a stack do not know, such as the death of a server that is not embedded.
type Disturbance struct {
	Name string
	// Do has it happen, and returns once what was disturbed serves again. An error ends the run.
	Do func(context.Context) error
	// Most is how often it may happen in a run; 0 is any number of times.
	Most int
}

// Between two disturbances lies a time between these.
const (
	shortestPause = 500 * time.Millisecond
	longestPause  = 4 * time.Second
)

// others has disturbances happen, one at a time. Their order and the pauses come from a seed.
type others struct {
	deck deck[Disturbance]
	made map[string]int
	tell func(format string, args ...any)
}

func newOthers(seed uint64, all []Disturbance, tell func(string, ...any)) *others {
	return &others{deck: deck[Disturbance]{luck: rand.New(rand.NewPCG(seed, 2)), all: slices.Clone(all)}, made: map[string]int{}, tell: tell}
}

// run disturbs until enough is done. What happens by then is over when it returns, for ctx is all that cuts it short.
func (o *others) run(ctx, enough context.Context) error {
	for len(o.deck.all) > 0 && o.pause(enough) {
		d := o.deck.draw()
		began := time.Now()
		if err := d.Do(ctx); err != nil {
			return fmt.Errorf("%s: %w", d.Name, err)
		}
		o.made[d.Name]++
		o.tell("%s: %.1f s", d.Name, time.Since(began).Seconds())
		if o.made[d.Name] == d.Most {
			o.deck.remove(func(other Disturbance) bool { return other.Name == d.Name })
		}
	}
	<-enough.Done()
	return nil
}

// pause says whether there is time for another one.
func (o *others) pause(enough context.Context) bool {
	select {
	case <-enough.Done():
		return false
	case <-time.After(shortestPause + time.Duration(o.deck.luck.Int64N(int64(longestPause-shortestPause)))):
		return true
	}
}

// deck is dealt out in an order of chance, and shuffled again when nothing is left.
type deck[T any] struct {
	luck      *rand.Rand
	all, left []T
}

func (d *deck[T]) draw() T {
	if len(d.left) == 0 {
		d.left = slices.Clone(d.all)
		d.luck.Shuffle(len(d.left), func(i, j int) { d.left[i], d.left[j] = d.left[j], d.left[i] })
	}
	drawn := d.left[0]
	d.left = d.left[1:]
	return drawn
}

// remove takes out what is not to be drawn again.
func (d *deck[T]) remove(is func(T) bool) {
	d.all, d.left = slices.DeleteFunc(d.all, is), slices.DeleteFunc(d.left, is)
}
