// Reads Logstash configurations with a parser that this project has no part in, and says what it found in them.
//
// Standard input: one configuration a line, as a JSON string. Standard output: one answer a line, in the same order:
// {"error": text}, or {"input": statements, "filter": statements, "output": statements}. A statement is a plugin,
// [name, [[option, value], ...]], or a conditional, {"if": [statements, ...], "else": statements}.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	config "github.com/breml/logstash-config"
	"github.com/breml/logstash-config/ast"
)

// value is an option's value: a string, a number, a list, a list of pairs, or a plugin.
func value(attribute ast.Attribute) any {
	switch a := attribute.(type) {
	case ast.StringAttribute:
		return a.Value()
	case ast.NumberAttribute:
		return a.Value()
	case ast.ArrayAttribute:
		values := []any{}
		for _, one := range a.Attributes {
			values = append(values, value(one))
		}
		return values
	case ast.HashAttribute:
		pairs := [][2]any{}
		for _, entry := range a.Entries {
			key, ok := entry.Key.(ast.Attribute)
			if !ok {
				panic(fmt.Sprintf("a key of kind %T", entry.Key))
			}
			pairs = append(pairs, [2]any{value(key), value(entry.Value)})
		}
		return map[string]any{"hash": pairs}
	case ast.PluginAttribute:
		return a.ValueString()
	}
	panic(fmt.Sprintf("a value of kind %T", attribute))
}

func statements(all []ast.BranchOrPlugin) []any {
	found := []any{}
	for _, one := range all {
		switch s := one.(type) {
		case ast.Plugin:
			options := [][2]any{}
			for _, option := range s.Attributes {
				options = append(options, [2]any{option.Name(), value(option)})
			}
			found = append(found, []any{s.Name(), options})
		case ast.Branch:
			blocks := []any{statements(s.IfBlock.Block)}
			for _, block := range s.ElseIfBlock {
				blocks = append(blocks, statements(block.Block))
			}
			found = append(found, map[string]any{"if": blocks, "else": statements(s.ElseBlock.Block)})
		}
	}
	return found
}

func sections(all []ast.PluginSection) []any {
	found := []any{}
	for _, section := range all {
		found = append(found, statements(section.BranchOrPlugins)...)
	}
	return found
}

func answer(text string) map[string]any {
	parsed, err := config.Parse("", []byte(text))
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	whole := parsed.(ast.Config)
	return map[string]any{
		"input":  sections(whole.Input),
		"filter": sections(whole.Filter),
		"output": sections(whole.Output),
	}
}

func main() {
	in := bufio.NewReader(os.Stdin)
	decoder := json.NewDecoder(in)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	for decoder.More() {
		var text string
		if err := decoder.Decode(&text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		if err := encoder.Encode(answer(text)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
}
