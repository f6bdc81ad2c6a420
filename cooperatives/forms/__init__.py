"""What comes in through this door: fields that keep what was typed; trusted values come out."""
