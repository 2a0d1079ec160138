"""Bookshelf (.aux and what it names): ICCAD 2004, ISPD 2005 to 2011, DAC 2012."""
