package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"feedstream/shared/address"
)

// Addresses are servers as host:port. Its text is a list separated by commas; blanks around an address
// and empty places in the list are overlooked.
type Addresses []string

// UnmarshalText names everything in the list that is no host:port, and how to write it.
func (a *Addresses) UnmarshalText(text []byte) error {
	var problems []error
	*a = nil
	for server := range strings.SplitSeq(string(text), ",") {
		if strings.TrimSpace(server) == "" {
			continue
		}
		trimmed, err := address.HostPort(server)
		if err != nil {
			problems = append(problems, err)
		}
		*a = append(*a, trimmed)
	}
	if len(*a) == 0 {
		problems = append(problems, errors.New("it names no server: write host:port"))
	}
	return errors.Join(problems...)
}

// Quorum are the servers of ZooKeeper, as Addresses in one text.
type Quorum string

// UnmarshalText also says where a path behind the servers belongs, as other clients take it there.
func (q *Quorum) UnmarshalText(text []byte) error {
	var servers Addresses
	err := servers.UnmarshalText(text)
	if _, root, found := strings.Cut(string(text), "/"); err != nil && found && !strings.HasPrefix(root, "/") {
		err = fmt.Errorf("%w, and HBASE_ZOOKEEPER_ROOT=/%s", err, root)
	}
	*q = Quorum(strings.Join(servers, ","))
	return err
}

// Prefix is what the keys of objects begin with: a folder's path with a slash at its end, which is added
// where it is missing.
type Prefix string

// UnmarshalText refuses a slash in front, for no object's key begins with one.
func (p *Prefix) UnmarshalText(text []byte) error {
	prefix := string(text)
	if plain := strings.TrimLeft(prefix, "/"); plain != prefix {
		return fmt.Errorf("no object's key begins with a slash: write %s/", strings.TrimSuffix(plain, "/"))
	}
	*p = Prefix(strings.TrimSuffix(prefix, "/") + "/")
	return nil
}

// Roots are the certificates that those of servers must come from, in PEM form. Its text has line feeds, or
// \n in their place, or is the path of a PEM file. Nil stands for the roots of the system.
type Roots []byte

const pemBegins = "-----BEGIN CERTIFICATE-----"

// IsPath tells a file's path from text in PEM form. Of anything but certificates that text may be a secret,
// which must not come back in the error of a file that is not there.
func IsPath(roots string) bool { return roots != "" && !strings.Contains(roots, "-----BEGIN") }

// UnmarshalText reads the certificates.
func (r *Roots) UnmarshalText(text []byte) error {
	pem := []byte(strings.ReplaceAll(string(text), `\n`, "\n"))
	if IsPath(string(text)) {
		var err error
		if pem, err = os.ReadFile(string(text)); err != nil {
			return fmt.Errorf("it is neither PEM text, which has a line %s, nor a file that can be read: %w", pemBegins, err)
		}
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		return errors.New("it holds no certificate in PEM form")
	}
	*r = pem
	return nil
}

// Pool is nil for the roots of the system.
func (r Roots) Pool() *x509.CertPool {
	if r == nil {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(r)
	return pool
}
