module ingestion.test/grammar

go 1.26

require github.com/breml/logstash-config v0.5.3
